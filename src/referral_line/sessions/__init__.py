"""What is kept between two text messages: a position under a random name, for minutes."""
