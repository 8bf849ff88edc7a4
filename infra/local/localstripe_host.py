"""localstripe on a free port of the loopback interface, for one test.

localstripe 1.15.10 runs as it was published, with two parts replaced: it listens on 127.0.0.1 alone instead of on every
interface, and it keeps its objects in memory instead of in one file in /tmp that all servers would share. It prints its
port once it accepts connections, and ends when its standard input does: with the test that started it, however that ends.
"""

import os
import socket
import sys
import threading

from aiohttp import web
from localstripe import resources, server

resources.Store.dump_to_disk = lambda store: None


def end_with_whoever_started_this():
    sys.stdin.buffer.read()
    os._exit(0)


listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=end_with_whoever_started_this, daemon=True).start()
print(listening.getsockname()[1], flush=True)
web.run_app(server.app, sock=listening, print=None, access_log=None)
