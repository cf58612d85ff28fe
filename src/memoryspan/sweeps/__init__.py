"""How many trials are run: manifest, results, workers here or on Dask. Knows no kind of trial."""
