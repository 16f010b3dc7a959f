"""What an operator looks at: the network as a page and as JSON, from the same numbers.

connections                each connected channel, and the one thing to do about it
quota, operations, push    the day's quotas, the writes that are not done, the push subscriptions
loaded, alarms             what the warehouse holds; what is wrong for everybody
read, overview             all of it together, so many channels at a time, and what could not be read
page                       the rows as a document without scripts, and as JSON; who is looking
"""
