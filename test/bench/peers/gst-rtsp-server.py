#!/usr/bin/python3
"""Serves one movie on demand with GStreamer's RTSP server, as its own example test-launch does. Run by test/bench.

Usage: gst-rtsp-server.py PORT MOVIE, or --probe, which only loads the libraries (exit code 1: they are not there).
Each viewer has a pipeline of his own, from the start of the movie, at rtsp://127.0.0.1:PORT/movie, over UDP and TCP.
Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good.
"""

import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError) as error:
    sys.exit(f"GStreamer's RTSP server is not installed: {error}")

ELEMENTS = ("qtdemux", "rtph264pay", "rtpmp4gpay")
PIPELINE = (
    "( filesrc location={} ! qtdemux name=movie"
    " movie.video_0 ! queue ! rtph264pay name=pay0 pt=96"
    " movie.audio_0 ! queue ! rtpmp4gpay name=pay1 pt=97 )"
)


def serve(port, movie):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(movie))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/movie", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {port} is taken")
    GLib.MainLoop().run()


def main(arguments):
    Gst.init(None)
    missing = [name for name in ELEMENTS if Gst.ElementFactory.find(name) is None]
    if missing:
        sys.exit(f"GStreamer has no {', '.join(missing)}")
    if arguments != ["--probe"]:
        serve(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
