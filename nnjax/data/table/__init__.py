"""Tables of a user's own: CSV and .npz files as one `Dataset`."""
