"""The main job, end to end, told as a story that anyone can run: `make demo`.

Fifty users connect five channels each through Google's consent, time passes, YouTube's reports arrive and become
rows, a push notification comes in, corrections replace what they correct, and at the end every number in the
warehouse is held against the truth. Before it, four users publish on a quota of four uploads a day.
"""
