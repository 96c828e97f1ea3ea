"""A name -> a Tagger with its weights. The folder `zoo/` is the registry: each entry in it has a card.

Nothing is imported here: listing the entries (`catalog`) loads no TensorFlow, loading one (`load`) does.
"""
