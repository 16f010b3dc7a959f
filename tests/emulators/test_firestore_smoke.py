def test_firestore_answers(firestore_client):
    firestore_client.document("a/b").set({"x": 1})
    assert firestore_client.document("a/b").get().to_dict() == {"x": 1}
