"use strict";
(() => {
  const table = document.querySelector("table.runs");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const shown = document.getElementById("shown");
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const value = (row, column) => {
    const cell = row.cells[column];
    const said = cell.dataset.value;
    return said === undefined ? cell.textContent.trim() : said === "" ? null : Number(said);
  };

  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : words.compare(a, b));

  // what is not known comes last, whichever way the rest is sorted
  const order = (column, up) => (a, b) =>
    a.key === null || b.key === null ? (a.key === null) - (b.key === null) : up ? compare(a.key, b.key) : compare(b.key, a.key);

  const sort = (column) => {
    const head = heads[column];
    const first = head.dataset.first === "descending";
    const now = head.getAttribute("aria-sort");
    const up = now ? now === "descending" : !first;
    const rows = [...body.rows].map((row) => ({ row, key: value(row, column) })).sort(order(column, up));
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows.map((each) => each.row));
  };

  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(column)));

  const texts = new WeakMap([...body.rows].map((row) => [row, row.textContent.toLowerCase()]));
  const filter = (wanted) => {
    const parts = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of body.rows) {
      row.hidden = !parts.every((part) => texts.get(row).includes(part));
      count += !row.hidden;
    }
    shown.textContent = parts.length ? `${count.toLocaleString("en")} of ${body.rows.length.toLocaleString("en")} runs` : "";
  };

  const field = document.getElementById("wanted");
  field.addEventListener("input", () => filter(field.value));
  document.querySelector(".filter").hidden = false;
})();
