"""What a span is: learned, held, capacity; and how one is measured."""
