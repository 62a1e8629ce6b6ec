// Carries the precompiled torch header.
