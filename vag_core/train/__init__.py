"""Training: the VAE, then the video stream, then the action stream."""
