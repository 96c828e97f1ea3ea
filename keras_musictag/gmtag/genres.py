"""The genres: how often each is drawn, how fast it is, and which of MMA's groove files play it.

A groove file may belong to several genres.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Genre:
    """How music of one genre is drawn.

    Attributes:
        weight: How often it is drawn, relative to the others.
        slowest_bpm: Lowest tempo, in quarter notes per minute.
        fastest_bpm: Highest tempo, inclusive.
        groove_files: Names of files in MMA's library, without `.mma`.
        minor_share: Share of clips in a minor key.
        extended_share: Share of chords that are more than a triad.
        drumless_share: Share of clips without drums.
        drum_file: A file of drum patterns. Genres with few groove files combine it with pitched parts of another genre.
        lender: That other genre.
    """

    weight: float
    slowest_bpm: int
    fastest_bpm: int
    groove_files: tuple[str, ...]
    minor_share: float = 0.35
    extended_share: float = 0.15
    drumless_share: float = 0.12
    drum_file: str = ""
    lender: str = ""


def _files(**folders: str) -> tuple[str, ...]:
    """`stdlib="march polka"` -> ("stdlib/march", "stdlib/polka")."""
    return tuple(f"{folder}/{name}" for folder, names in folders.items() for name in names.split())


GENRES = {
    "rock": Genre(
        10, 90, 180,
        _files(
            stdlib="50srock 60srock basicrock bubblerock softrock rock-128 rockballad rockwaltz folkrock jazzrock",
            casio="60srock digitalrock rock1 rock2 slowrock poprock1 poprock2 shufflerock",
            kara="K50s_rock", pflib="rock1 slowrock", yamaha="w-rock",
        ),
    ),
    "metal": Genre(
        3.5, 110, 200, _files(casio="heavymetal", pflib="metal1 metal2"),
        minor_share=0.8, drum_file="zoom/mtl", lender="rock",
    ),
    "pop": Genre(
        10, 75, 150,
        _files(
            casio="8beatpop1 8beatpop2 8beatpop3 80spop 60spop dancepop1 dancepop2 dancepop3 electricpop pop popballad "
            "popshuffle1 popshuffle2 poprock1 poprock2 worldpop soulpop 8beat1 8beat2 8beat3 16beat1 16beat2 16beat3",
            stdlib="popballad 8beat boneym", pflib="8beat1 8beat2 16beat1 16beat2",
        ),
    ),
    "ballad": Genre(
        7, 52, 88,
        _files(
            casio="16beatballad1 16beatballad2 16beatballad3 8beatballad1 8beatballad2 8beatballad3 68ballad "
            "oldieballad popballad",
            stdlib="ballad ballad128 ballad68 folkballad guitarballad pianoballad popballad rb-ballad rockballad "
            "stringballad",
            kara="kwestballad",
        ),
    ),
    "jazz": Genre(
        9, 70, 220,
        _files(
            casio="jazzcombo jazzwaltz modernjazz fusion fastbigband middlebigband slowbigband",
            stdlib="bigband evansish fastjazzwaltz folkyjazz gypsyjazz jazz-54 jazzcombo jazzguitar jazzrhumba "
            "jazzrock jazzwaltz mellowjazz modernjazz modernjazzwaltz nitejazz slowjazz lfusion",
            yamaha="jazzGrtrio jazzbasie jazzbossa jazzbouncy jazzcountry jazzswing jazztrio jazzwaltz",
        ),
        extended_share=0.9,
    ),
    "swing": Genre(
        5, 100, 220,
        _files(
            casio="swing slowswing fastbigband middlebigband",
            stdlib="swing easyswing fastswing 68swing westernswing countryswing bigband", yamaha="jazzswing",
        ),
        extended_share=0.7,
    ),
    "blues": Genre(
        5, 60, 150,
        _files(
            casio="blues shuffleboogie",
            stdlib="blues blues128 blues68 countryblues fastblues slowblues boggiewoggie shuffleboggie",
        ),
        extended_share=0.9,
    ),
    "country": Genre(
        5, 80, 170,
        _files(
            stdlib="bluegrass countryblues countryswing countrywaltz slowcountry hillcountry westernswing",
            yamaha="jazzcountry western",
        ),
    ),
    "folk": Genre(5, 70, 150, _files(stdlib="folk folkballad folkrock bluefolk folkyjazz hillcountry bluegrass")),
    "latin": Genre(
        9, 80, 180,
        _files(
            stdlib="beguine bolero bossanova calypso chacha cubanguitar latinwaltz lighttango mambo merengue rhumba "
            "salsa samba slowbolero son tango jazzrhumba",
            casio="latinfusion latinhouse", yamaha="salsa1 salsa2 mambo jazzbossa", kara="kbossa",
        ),
        minor_share=0.5, extended_share=0.5,
    ),
    "waltz": Genre(
        5, 80, 190,
        _files(
            casio="jazzwaltz popwaltz",
            stdlib="waltz jazzwaltz vienesewaltz fastwaltz frenchwaltz broadwaywaltz countrywaltz latinwaltz rockwaltz "
            "arpeggiowaltz modernjazzwaltz fastjazzwaltz",
            yamaha="jazzwaltz",
        ),
    ),
    "march": Genre(
        3, 96, 140,
        _files(stdlib="68march march bwmarch dixiemarch polka", casio="germanmarch march1 polka polkafox poppolka"),
    ),
    "dance": Genre(
        6, 112, 150,
        _files(
            casio="dance1 dance2 dancepop1 dancepop2 dancepop3 discosoul 8beatdance house latinhouse rave techno "
            "trance1 trance2",
            stdlib="trance", alexis="teamtechno",
        ),
    ),
    "electronic": Genre(
        7, 90, 160,
        _files(
            casio="house rave techno trance1 trance2 electricpop digitalrock triphop ambient1",
            stdlib="trance", alexis="teamtechno",
        ),
    ),
    "ambient": Genre(
        6, 52, 100, _files(casio="ambient1 ambient2 ambient3 serenade", stdlib="lullaby desert"),
        minor_share=0.55, drumless_share=0.85,
    ),
    "soul": Genre(
        6, 70, 125,
        _files(
            casio="funk1 funk2 soul soulpop 60ssoul discosoul r+b mellowrb modernrb",
            stdlib="rb rb-ballad dsoul bvfunk strut", kara="Kfunk1 8beatmotown",
        ),
        extended_share=0.6,
    ),
    "hip hop": Genre(
        3, 76, 108, _files(casio="hip-hop triphop", alexis="hiphop"),
        minor_share=0.7, extended_share=0.5, drum_file="zoom/hiphop", lender="soul",
    ),
    "oldtime": Genre(
        5, 90, 210,
        _files(
            stdlib="charleston foxtrot quickstep ragtime softshoe twist jive showtune broadway slowbroadway",
            casio="foxtrot quickstep twist", kara="fasttwist twi 2beatp",
        ),
    ),
    "classical": Genre(
        6, 50, 140, _files(stdlib="arpeggio44 arpeggio68 arpeggiowaltz hymn lullaby vienesewaltz", casio="serenade"),
        drumless_share=0.85,
    ),
}  # fmt: skip
DRUM_FILES = tuple(genre.drum_file for genre in GENRES.values() if genre.drum_file)


def groove_files() -> tuple[str, ...]:
    """Returns all groove files, each once, sorted."""
    return tuple(sorted({file for genre in GENRES.values() for file in genre.groove_files}))


def genres_of(groove_file: str) -> tuple[str, ...]:
    """Returns the genres that a groove file plays.

    Example:
        >>> genres_of("stdlib/jazzwaltz")
        ('jazz', 'waltz')
    """
    return tuple(name for name, genre in GENRES.items() if groove_file in genre.groove_files)
