"""The description of the REST interface as a page: the OpenAPI document as plain HTML, without a script."""

import re
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

METHODS = ("get", "post", "put", "delete")

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    parts = [
        operation(path, method, item[method], document)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
    title = escape(f"{document['info']['title']} {document['info']['version']}: REST interface")
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/static/docs.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p>{escape(document["info"]["description"])} Every error is <code>{{"error": "One sentence."}}</code>. For programs, the
same as <a href="/openapi.json">OpenAPI document</a>.</p>
{"".join(parts)}
</main>
</body>
</html>
"""
    )


def operation(path: str, method: str, facts: dict[str, Any], document: dict[str, Any]) -> str:
    """One operation of an OpenAPI document as HTML."""
    paragraphs = "".join(f"<p>{as_html(text)}</p>" for text in facts.get("description", "").split("\n\n"))
    rows = [(p["name"], p["in"], p.get("required", False), p.get("schema", {})) for p in facts.get("parameters", ())]
    for kind, content in facts.get("requestBody", {}).get("content", {}).items():
        for schema in variants(content.get("schema", {}), document):
            required = schema.get("required", ())
            rows += [(name, kind, name in required, value) for name, value in schema.get("properties", {}).items()]
    cells = (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(place)}</td><td>{'yes' if required else 'no'}</td>"
        f"<td>{escape(describe_schema(schema))}</td></tr>"
        for name, place, required, schema in rows
    )
    head = "<tr><th>name</th><th>in</th><th>required</th><th>value</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{''.join(cells)}</tbody></table>" if rows else ""
    return f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>{paragraphs}{table}</section>\n"


def as_html(text: str) -> str:
    """Escapes a text, and sets what is between backticks as code.

    Example:
        >>> as_html("`a` & b")
        '<code>a</code> &amp; b'
    """
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def variants(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas for which a schema stands."""
    if "$ref" in schema:
        return variants(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    options = schema.get("oneOf") or schema.get("anyOf")
    return [each for option in options for each in variants(option, document)] if options else [schema]


def describe_schema(schema: dict[str, Any]) -> str:
    """A schema in a few words.

    Example:
        >>> describe_schema({"type": "integer", "minimum": 1, "default": 10})
        'integer; minimum 1; default 10'
    """
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    schema = {**(options[0] if options else {}), **schema}
    words = [schema.get("type", "any")]
    words += [
        f"{name} {schema[name]}" for name in ("const", "minimum", "maximum", "pattern", "default") if name in schema
    ]
    return "; ".join(str(word) for word in words)
