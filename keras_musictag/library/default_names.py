"""The default names of the tags of MTAT, MSD and MTG-Jamendo in files; tags of other models keep their own names.

A tag is written as a genre or as a mood, or not at all: instruments, voices, decades and what depends on taste are not.
"""

GENRES = {
    # MTAT; several of these are also tags of the others
    "ambient": "Ambient",
    "classic": "Classical",
    "classical": "Classical",
    "country": "Country",
    "dance": "Dance",
    "electronic": "Electronic",
    "indian": "Indian",
    "metal": "Metal",
    "new age": "New Age",
    "opera": "Opera",
    "pop": "Pop",
    "rock": "Rock",
    "techno": "Techno",
    # MSD
    "Hip-Hop": "Hip-Hop",
    "House": "House",
    "Progressive rock": "Progressive Rock",
    "alternative": "Alternative",
    "alternative rock": "Alternative Rock",
    "blues": "Blues",
    "classic rock": "Classic Rock",
    "easy listening": "Easy Listening",
    "electro": "Electro",
    "electronica": "Electronica",
    "experimental": "Experimental",
    "folk": "Folk",
    "funk": "Funk",
    "hard rock": "Hard Rock",
    "heavy metal": "Heavy Metal",
    "indie": "Indie",
    "indie pop": "Indie Pop",
    "indie rock": "Indie Rock",
    "jazz": "Jazz",
    "punk": "Punk",
    "rnb": "R&B",
    "soul": "Soul",
    # MTG-Jamendo
    "chillout": "Chillout",
    "downtempo": "Downtempo",
    "easylistening": "Easy Listening",
    "hiphop": "Hip-Hop",
    "house": "House",
    "instrumentalpop": "Instrumental Pop",
    "lounge": "Lounge",
    "newage": "New Age",
    "orchestral": "Orchestral",
    "popfolk": "Pop Folk",
    "poprock": "Pop Rock",
    "reggae": "Reggae",
    "soundtrack": "Soundtrack",
    "trance": "Trance",
    "triphop": "Trip Hop",
    "world": "World",
}
MOODS = {
    "Mellow": "Mellow",
    "chill": "Calm",
    "emotional": "Emotional",
    "energetic": "Energetic",
    "happy": "Happy",
    "party": "Party",
    "quiet": "Calm",
    "relaxing": "Relaxing",
    "sad": "Sad",
    "soft": "Calm",
}
# in the groups "genre" and "mood" of the three datasets, but not written: they say too little, or depend on taste
NOT_WRITTEN = {"atmospheric", "beautiful", "catchy", "film", "loud", "sexy", "weird"}
MAX_GENRES, MAX_MOODS = 2, 2


def default_name(tag: str, group: str) -> tuple[str, str] | None:
    """What a tag is written as by default: ("genre" or "mood", the name), or None if it is not written.

    Example:
        >>> default_name("techno", "genre"), default_name("no vocals", "voice"), default_name("dub", "genre")
        (('genre', 'Techno'), None, ('genre', 'dub'))
    """
    for kind, names in (("genre", GENRES), ("mood", MOODS)):
        if tag in names:
            return kind, names[tag]
    own_name = "".join(c if c.isprintable() else " " for c in tag).strip()
    return (group, own_name) if group in ("genre", "mood") and own_name and tag not in NOT_WRITTEN else None
