"""Deformations of a waveform: seeded pure functions, for tests of robustness and for training.

Each takes float32 (samples,), mono, and gives the same. None changes its input, and none needs TensorFlow. A
deformation is part of an evaluation's protocol, so each module has a `VERSION`: it is raised when the samples that
come out change. What the amounts of the 2020 evaluation were, and how near we are to sox: docs/deformations.md.

One module holds one function of the same name:

- `time_stretch`: faster or slower at the same pitch.
- `pitch_shift`: higher or lower at the same length.
- `dynamic_range`: compression of the dynamic range, as sox's compand.
- `white_noise`: noise at a share of the peak.
"""
