"""What an operator looks at: the network as a page and as JSON, from the same numbers.

connections, quota, operations, push, loaded   what is known of each, as rows with everything said in words
paging                                         which channels are listed, and so many at a time
read, overview                                 all of it together, and what could not be read
page, chart, answers                           the rows as a document without scripts, and as JSON
operator                                       who is looking, by Identity-Aware Proxy's word
"""
