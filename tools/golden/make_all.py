"""Makes every golden fixture anew: python tools/golden/make_all.py [--cache DIR]"""

import argparse
from pathlib import Path

import make_arch
import make_blends
import make_gguf
import make_gguf_model
import make_smollm2
import make_tiny

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "openlora-golden",
                        help="where the SmolLM2 file is kept between runs")
    cache = parser.parse_args().cache
    make_gguf.main()
    make_gguf_model.main()
    make_arch.main()
    make_tiny.main()
    make_blends.main()
    make_smollm2.main(cache)
