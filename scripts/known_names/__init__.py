"""What build_known_names.py is made of: names, people, organisations."""
