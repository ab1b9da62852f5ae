"""The official geography, where offers are in it, and the API's code lists."""
