"""What a reader of QR codes that is not ours sees in a picture: a JSON list with a text for each frame, null where none is seen."""

import json
import sys

import zxingcpp
from PIL import Image, ImageSequence


def seen(frame):
    codes = zxingcpp.read_barcodes(frame.convert("L"))
    return codes[0].text if len(codes) == 1 else None


with Image.open(sys.argv[1]) as picture:
    print(json.dumps([seen(frame) for frame in ImageSequence.Iterator(picture)]))
