"""The pages of the command centre: situation, one sitting live, and what officers do from there."""
