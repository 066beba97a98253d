#!/usr/bin/python3
"""Plays a GStreamer pipeline to its end with pauses in it, as a viewer with a remote control does. Run by test/clients.

Usage: gst-pause.py PIPELINE SECONDS [SECONDS ...]
The seconds are spent playing and paused by turns, counted from the moment the pipeline plays; then it plays to the end.
Prints a line for each state that it asked for and "end" at the end of the stream. Exit code 1: an error of the pipeline.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402  (the version has to be named first)


def main(description, seconds):
    Gst.init(None)
    pipeline = Gst.parse_launch(description)
    loop = GLib.MainLoop()
    failures = []
    turns = list(seconds)

    def turn(state):
        print("pause" if state == Gst.State.PAUSED else "play", flush=True)
        pipeline.set_state(state)
        other = Gst.State.PLAYING if state == Gst.State.PAUSED else Gst.State.PAUSED
        if turns:
            GLib.timeout_add(int(turns.pop(0) * 1000), turn, other)
        return False

    def on_message(_, message):
        if message.type == Gst.MessageType.EOS:
            print("end", flush=True)
            loop.quit()
        elif message.type == Gst.MessageType.ERROR:
            failures.append(message.parse_error()[0].message)
            loop.quit()

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", on_message)
    turn(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [float(argument) for argument in sys.argv[2:]]))
