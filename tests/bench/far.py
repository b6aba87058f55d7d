# SPDX-License-Identifier: LGPL-2.1-or-later
"""Simulates a distant registry on kernels without sch_netem: far.py HOST:PORT TO:PORT ROUND-TRIP-MSEC MBIT forwards
connections. Each byte is delayed by half a round trip, and in each direction all connections share this rate. A
connection is forwarded after one round trip, like that of a handshake. TCP windows are not simulated."""

import asyncio
import sys

PIECE = 16 * 1024


class Direction:
    """A direction of the line, which all connections share; free is the time at which the line is free again."""

    def __init__(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second
        self.free = 0.0

    def take(self, size):
        """Occupies the line for this many bytes, and returns the time at which they have been sent."""
        now = asyncio.get_running_loop().time()
        self.free = max(self.free, now) + size / self.bytes_per_second
        return self.free


async def deliver(queue, writer):
    while (item := await queue.get()) is not None:
        due, data = item
        await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
        writer.write(data)
        await writer.drain()
    writer.close()


async def carry(reader, writer, direction, delay):
    """Reads ahead of the bytes in transit by no more than the line can hold."""
    queue = asyncio.Queue()
    task = asyncio.create_task(deliver(queue, writer))
    loop = asyncio.get_running_loop()
    try:
        while data := await reader.read(PIECE):
            sent = direction.take(len(data))
            queue.put_nowait((sent + delay, data))
            await asyncio.sleep(max(sent - loop.time(), 0))
    except ConnectionError:
        pass
    queue.put_nowait(None)
    try:
        await task
    except ConnectionError:
        pass


async def main():
    (host, port), (to_host, to_port) = (address.rsplit(":", 1) for address in sys.argv[1:3])
    delay, rate = float(sys.argv[3]) / 2000, float(sys.argv[4]) * 1e6 / 8
    there, back = Direction(rate), Direction(rate)

    async def serve(reader, writer):
        await asyncio.sleep(2 * delay)
        to_reader, to_writer = await asyncio.open_connection(to_host, to_port)
        await asyncio.gather(carry(reader, to_writer, there, delay), carry(to_reader, writer, back, delay))

    server = await asyncio.start_server(serve, host, int(port))
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
