"""What an operator looks at: the network as a page and as JSON, from the same numbers.

connections, reports       each connected channel, and the one thing to do about it; its reports
quota, operations, push    the day's quotas, the writes that are not done, the push subscriptions
alarms, questions          what is wrong for everybody; what may be asked of the warehouse
read, parts                bounded reads, and each page's parts, with what could not be read
page, draw                 the parts as a document without scripts, as JSON and as CSV; who is looking
"""
