"""What the pages in docs/ say is true."""
