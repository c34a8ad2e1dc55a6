"""An assistant's client of MCP, run in the environment of the tools: `mcp_client.py CONFIGURATION`.

Reads steps from stdin, a JSON list: `["tools"]`, `["call", name, arguments]` or `["rename", from,
to]`. Writes a JSON list of what each gave: names, `[is_error, text]` or null.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def run(server: dict[str, Any], steps: list[list[Any]]) -> list[object]:
    """Starts the server as an assistant does, and takes the steps in one session."""
    given: list[object] = []
    parameters = StdioServerParameters(**server)
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        for what, *of in steps:
            match what:
                case "tools":
                    given.append([tool.name for tool in (await session.list_tools()).tools])
                case "call":
                    result = await session.call_tool(*of)
                    given.append([result.is_error, result.content[0].text])
                case "rename":
                    given.append(Path(of[0]).replace(of[1]) and None)
    return given


if __name__ == "__main__":
    (server,) = json.loads(Path(sys.argv[1]).read_text())["mcpServers"].values()
    json.dump(asyncio.run(run(server, json.load(sys.stdin))), sys.stdout)
