"""The page “From scratch”: which data, and a module an experiment."""
