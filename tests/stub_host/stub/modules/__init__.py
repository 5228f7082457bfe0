"""The part of the hosts' `modules` package that an extension touches. Own code; names and behaviour as in the hosts."""
