"""Networks, training and inference, shared by every stage that learns."""
