"""A notice as Amazon Q Developer in chat applications takes it, for Slack and Microsoft Teams: a custom notification.

https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html: `version` must be 1.0, `source` custom,
`content.description` is required, `textType` can only be client-markdown, and events of one `metadata.threadId` make
a thread in channels that are set to. What it says of lengths could not be read; texts are held to what Slack's blocks
take (https://docs.slack.dev/reference/block-kit/blocks/section-block: 3,000 characters, a header 150).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright_runtime.notices.texts import chat, cut

Document = dict[str, Any]

_SIGNS = {"failed": "❌", "finished": "✅", "budget": "💰", "finding": "🔎", "refused": "🚫"}
_TITLE, _DESCRIPTION, _STEP, _STEPS = 150, 2900, 300, 5


def chat_document(
    event: str,
    *,
    id: str,
    thread: str,
    title: str,
    lines: Sequence[str],
    steps: Sequence[str],
    links: Sequence[Mapping[str, str]],
    keywords: Sequence[str],
    resources: Sequence[str | None],
    context: Mapping[str, str | None],
) -> Document:
    """The custom notification. Titles, lines and steps may hold user text; links are the platform's own."""
    short = chat(title, _TITLE - 10)
    content = {
        "textType": "client-markdown",
        "title": f"{_SIGNS[event]} {short}",
        "description": _description(lines, links),
        "nextSteps": [chat(step, _STEP) for step in steps[:_STEPS]],
        "keywords": [event, *(chat(keyword, 60) for keyword in keywords)],
    }
    metadata = {
        "threadId": thread,
        "summary": short,
        "eventType": f"trainwright-{event}",
        "relatedResources": [resource for resource in resources if resource],
        "additionalContext": _said(context),
    }
    return {"version": "1.0", "source": "custom", "id": id, "content": _said(content), "metadata": _said(metadata)}


def _said(parts: Mapping[str, Any]) -> Document:
    """What is optional and empty is left out."""
    return {name: value for name, value in parts.items() if value}


def _description(lines: Sequence[str], links: Sequence[Mapping[str, str]]) -> str:
    """The text first, then the links, whole: how a link with a title is written differs from chat to chat, and a bare
    one works in all."""
    where = "\n".join(f"{chat(link['title'], 60)}: {link['url']}" for link in links if len(link["url"]) < 600)
    where = where[: where.rfind("\n", 0, _DESCRIPTION // 2)] if len(where) > _DESCRIPTION // 2 else where
    text = "\n".join(chat(line, 600) for line in lines)
    return f"{cut(text, _DESCRIPTION - len(where) - 1)}\n{where}" if where else cut(text, _DESCRIPTION)
