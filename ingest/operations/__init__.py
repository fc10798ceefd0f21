"""Operations: what the verbs of the command do, on what bootstrap opens for them."""
