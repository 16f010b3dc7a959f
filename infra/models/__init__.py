"""Models: what emulators cannot tell, in virtual time over the real decisions."""
