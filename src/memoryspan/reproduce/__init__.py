"""What was published: experiments as data, one file a paper, and what comes of them beside what they report."""
