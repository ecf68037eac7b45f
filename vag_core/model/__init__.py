"""The dual stream: a video diffusion transformer and an action U-Net denoised together."""
