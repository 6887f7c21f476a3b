"""Raw rows beside the text samples that they become, and learning their cuts."""
