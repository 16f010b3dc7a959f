"""What an operator looks at: the network as a page and as JSON, from the same numbers.

connections, quota, operations, push, loaded   what is known of each, as rows with everything said in words
overview                                       all of them together, and what could not be read
page, chart                                    the rows as a document without scripts
read                                           real clients, one overview
operator                                       who is looking, by Identity-Aware Proxy's word
"""
