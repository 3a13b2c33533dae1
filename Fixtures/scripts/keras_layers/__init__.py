"""The rows of Fixtures/keras/layers, family by family."""
