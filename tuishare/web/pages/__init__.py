"""What the pages do: one function for each row of `tuishare.web.page_table`.

Owns how a page asks the agent and what its template gets. Must not check who may do what: the table does.
"""
