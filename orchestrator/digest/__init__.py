"""What a verification came to, in few tokens, for an agent that has never seen the output. Pure."""
