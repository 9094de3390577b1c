// Of no content: the target that owns the precompiled headers must have a source.
