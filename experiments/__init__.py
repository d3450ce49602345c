"""Questions put to nnjax, a small script each."""
