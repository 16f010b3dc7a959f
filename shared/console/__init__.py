"""What an operator looks at: the network as a page and as JSON, from the same numbers.

connections, todo          each connected channel, and the one thing to do about it
quota, operations, push    the day's quotas, the writes that are not done, the push subscriptions
loaded, alarms             what the warehouse holds; what is wrong for everybody
paging                     which channels are listed, so many at a time
read, recent, overview     all of it together, and what could not be read
page, chart, answers       the rows as a document without scripts, and as JSON
operator                   who is looking, as Identity-Aware Proxy asserts
"""
