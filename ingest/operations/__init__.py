"""Operations: what the verbs of the command line do, with what bootstrap opens for them."""
