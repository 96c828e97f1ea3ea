"""GM-Tag: a tagged corpus that anyone can build, by MMA and FluidSynth."""
