"""Reads an event stream with a Python client and prints what it understood, a
line of JSON for each event:

    python3 sse.py httpx-sse|sseclient <url> <token> <last id to wait for>

These clients do not come back by themselves; the caller of a Python client does
that with the last id and the time to wait, so this one does too.
"""

import json
import sys
import time

import httpx
import httpx_sse
import sseclient

which, url, token, until = sys.argv[1:5]


def say(**line):
    print(json.dumps(line), flush=True)


def events(client, last):
    """Yields the events of one connection, or None when there is nothing to come back for."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if token:
        headers["Authorization"] = "Bearer " + token
    if last:
        headers["Last-Event-ID"] = last
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            say(event="(closed)", status=response.status_code)
            yield None
            return
        say(event="(open)")
        if which == "httpx-sse":
            yield from httpx_sse.EventSource(response).iter_sse()
        else:
            yield from sseclient.SSEClient(response.iter_bytes()).events()


def main():
    last, wait = "", 1000
    with httpx.Client(timeout=30) as client:
        while True:
            for e in events(client, last):
                if e is None:
                    return
                last, wait = e.id or last, e.retry or wait
                if not e.data:  # httpx-sse hands out a lone "retry:" as an event
                    continue
                say(id=last, event=e.event or "message", data=e.data, retry=e.retry or 0)
                if until and last == until:
                    return
            say(event="(again)", status=0)
            time.sleep(wait / 1000)


main()
