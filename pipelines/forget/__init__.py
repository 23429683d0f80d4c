"""Erasure: one student out of landing files, tables, old versions and artifacts, with a record that names nobody."""
