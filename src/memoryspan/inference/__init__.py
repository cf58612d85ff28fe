"""Using a trained model: evaluate, predict, trace."""
