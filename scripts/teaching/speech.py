"""Speech by espeak-ng, in many voices and languages. Synthetic speech is neither singing nor a person's voice."""

import io
import subprocess
from random import Random

import numpy as np

from keras_musictag.audio import read
from keras_musictag.errors import MusicTagError
from scripts.teaching.store import SAMPLE_RATE_HZ

# The beginning of the first article of the Universal Declaration of Human Rights: in the public domain
TEXTS = {
    "en-us": "All human beings are born free and equal in dignity and rights.",
    "en-gb": "They are endowed with reason and conscience and should act in a spirit of brotherhood.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "fr-fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах.",  # noqa: RUF001
    "eo": "Ĉiuj homoj estas denaske liberaj kaj egalaj laŭ digno kaj rajtoj.",
    "la": "Omnes homines liberi aequique dignitate atque iuribus nascuntur.",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",  # noqa: RUF001
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.",
}
# these languages read only numbers, so they need no text
NUMBERS = ("hi", "ta", "sw", "cmn", "vi", "el", "hu", "fa", "id", "ko")
LANGUAGES = (*TEXTS, *NUMBERS)
WOMEN, MEN, OTHERS = ("f1", "f2", "f3", "f4", "f5"), ("m1", "m3", "m5", "m7", "m8"), ("croak", "whisper", "klatt4")


def spoken(rng: Random, language: str, seconds: float) -> np.ndarray:
    """Someone who reads aloud.

    Args:
        rng: Where to draw voice, pitch and speed from.
        language: Of `LANGUAGES`.
        seconds: How much to speak.

    Returns:
        Float32 (samples,), 16 kHz.

    Raises:
        MusicTagError: If espeak-ng is missing or fails.
    """
    variant = rng.choice((*WOMEN, *MEN, rng.choice(OTHERS)))
    pitch, speed = rng.randint(10, 95), rng.randint(90, 230)  # of 99; words per minute
    numbers = " ".join(str(rng.randint(1, 99999)) for _ in range(8))
    text = f"{TEXTS.get(language, '')} {numbers}. " * 3
    command = ["espeak-ng", "--stdout", "-v", f"{language}+{variant}", "-p", str(pitch), "-s", str(speed), text]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise MusicTagError("The program espeak-ng was not found. Install it: apt-get install espeak-ng") from error
    if done.returncode or not done.stdout:
        raise MusicTagError(f"espeak-ng failed for {language!r}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    samples = read(io.BytesIO(done.stdout), SAMPLE_RATE_HZ).samples
    wanted = int(seconds * SAMPLE_RATE_HZ)
    start = rng.randrange(max(1, len(samples) - wanted))
    return samples[start : start + wanted]
