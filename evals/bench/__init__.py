"""Measures this project beside the stock LangChain pipeline on one machine, and writes docs/performance.md from it."""
