// Prune
