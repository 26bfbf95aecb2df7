"use strict";
(() => {
  const select = (text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  // without the right to write the clipboard, the text is selected: one key press remains
  const copy = async (text, said) => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied.";
    } catch {
      select(text);
      said.textContent = "Selected: copy it with Ctrl+C or ⌘C.";
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    const text = document.getElementById(button.getAttribute("aria-controls"));
    const said = button.parentElement.querySelector("[role=status]");
    button.addEventListener("click", () => copy(text, said));
  }

  // paper cannot be opened
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((each) => (each.open = false)));
})();
