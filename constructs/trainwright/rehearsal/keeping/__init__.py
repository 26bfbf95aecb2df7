"""What a folder keeps of an account: every object and item is there before whoever wrote it hears that it is written.

``folder`` is the folder's format, ``changes`` says what a request may have changed, ``state`` looks at what is there
after it, ``writer`` writes that down, and ``answers`` does the three between moto's answer and the client.
"""
