#!/bin/sh
# Makes the bundled sample movie from ffmpeg's test sources, so that nobody's rights are touched.
# Run by hand when the sample must change; the result is committed. It is kept under 1.5 MB.
set -eu
cd "$(dirname "$0")/.."

SAMPLE=modules/server/sample/finch-sample.mp4
DURATION_S=24
MAX_BYTES=1500000

command -v ffmpeg >/dev/null || { echo "make-sample: ffmpeg is missing: sudo apt-get install -y ffmpeg" >&2; exit 1; }
mkdir -p "$(dirname "$SAMPLE")"

# A key frame every 2 s (50 frames), B-frames, and one thread: the same bytes on every machine with the same x264.
ffmpeg -nostdin -hide_banner -loglevel error -y \
  -f lavfi -i "testsrc2=size=640x360:rate=25:duration=$DURATION_S" \
  -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=$DURATION_S" \
  -map 0:v -map 1:a -t "$DURATION_S" \
  -c:v libx264 -profile:v high -preset slow -threads 1 -pix_fmt yuv420p \
  -b:v 360k -maxrate 480k -bufsize 720k -g 50 -keyint_min 50 -sc_threshold 0 -bf 2 -b_strategy 0 \
  -c:a aac -b:a 96k -ac 2 \
  -metadata title='Finch sample' -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
  -movflags +faststart "$SAMPLE"

size_bytes=$(wc -c <"$SAMPLE")
if [ "$size_bytes" -gt "$MAX_BYTES" ]; then
  echo "make-sample: $SAMPLE is $size_bytes bytes, expected at most $MAX_BYTES" >&2
  exit 1
fi
echo "$SAMPLE: $size_bytes bytes"
